package contract

// Delivered reports whether the engine may hold an input that waits to be delivered.
func (s *Set) Delivered(input string) bool { return s.delivered(input) }
