package codec

// PeekType returns the name in the field "type" of an object, which may stand anywhere in it. The whole document is
// checked, but no other value is decoded. Anything but an object, a missing field, a second one and one that is not a
// string are errors, as [Decoder.Err] has them.
func PeekType(data []byte) (string, error) {
	d := NewStrictDecoder(data)
	name, seen := peekType(d, "")
	d.Require(seen, "type")
	if err := d.End(); err != nil {
		return "", err
	}
	return name, nil
}

// CheckType is for an object whose name is known from elsewhere: it need not have the field "type", but if it does, that must
// be the name. All else is as in [PeekType].
func CheckType(data []byte, name string) error {
	d := NewStrictDecoder(data)
	peekType(d, name)
	return d.End()
}

// peekType reads an object for the name in its field "type", which has to be want unless that is empty.
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
