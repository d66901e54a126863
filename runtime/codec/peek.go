package codec

// PeekType returns the value of the field "type" of an object. The field may be anywhere in the object. The whole document is
// checked, but no other value is decoded. It is an error if the document is not an object, or if the field is missing, occurs
// twice or is not a string; see [Decoder.Err].
func PeekType(data []byte) (string, error) {
	d := NewStrictDecoder(data)
	name, seen := peekType(d, "")
	d.Require(seen, "type")
	if err := d.End(); err != nil {
		return "", err
	}
	return name, nil
}

// CheckType checks an object like [PeekType], but the field "type" may be missing. If it is present, it must be name.
func CheckType(data []byte, name string) error {
	d := NewStrictDecoder(data)
	peekType(d, name)
	return d.End()
}

// peekType reads an object and returns its field "type", which must be want unless want is empty.
func peekType(d *Decoder, want string) (name string, seen Fields) {
	for d.BeginObject(); d.NextField(); {
		if string(d.Key()) != "type" {
			d.Skip()
			continue
		}
		d.Seen(&seen, 0)
		d.peek()
		start, before := d.pos, d.mistakes()
		if name = d.String(); want != "" && name != want && d.mistakes() == before {
			d.mistake(start, "expected "+quote(want)+", found another string")
		}
	}
	return name, seen
}
