"""What tests/compat/references is made of: golden data, the program that is compared with it, and the comparisons."""
