# What every target of ours has in common: warnings are errors, sanitizers as asked for.

if(RUNNEL_SANITIZE)
  add_compile_options(-fsanitize=${RUNNEL_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${RUNNEL_SANITIZE})
endif()

function(runnel_target target)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Werror)
endfunction()
