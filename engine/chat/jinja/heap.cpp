#include "chat/jinja/heap.h"

namespace runnel::jinja {

namespace {

/// What an object costs besides its entries.
constexpr std::size_t object_bytes = 128;

}  // namespace

Object::Object(Heap& heap) : heap_(heap), next_(heap.alive_) {
  heap_.meter().hold(object_bytes);
  if (next_) next_->previous_ = this;
  heap_.alive_ = this;
}

Object::~Object() {
  heap_.meter().release(object_bytes);
  if (next_) next_->previous_ = previous_;
  (previous_ ? previous_->next_ : heap_.alive_) = next_;
}

void Object::release() {
  if (--references_ == 0) heap_.bury(this);
}

void Heap::bury(Object* object) {
  graves_.push_back(object);
  if (burying_) return;
  burying_ = true;
  while (!graves_.empty()) {
    Object* next = graves_.back();
    graves_.pop_back();
    delete next;
  }
  burying_ = false;
}

Heap::~Heap() {
  std::vector<Ref<Object>> rest;
  for (Object* object = alive_; object; object = object->next_) rest.emplace_back(object);
  for (const auto& object : rest) object->clear();
}

}  // namespace runnel::jinja
