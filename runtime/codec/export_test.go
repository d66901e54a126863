package codec

// Peek returns the first byte of the next value, for tests that read documents of no declared type.
func (d *Decoder) Peek() byte { return d.peek() }
