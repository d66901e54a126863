package codec

// PeekType returns the name in the field "type" of an object, which may stand anywhere in it. The whole document is
// checked, but no other value is decoded. Anything but an object, a missing field, a second one and one that is not a
// string are errors, of type [*Error].
func PeekType(data []byte) (string, error) {
	name, _, err := peekType(NewStrictDecoder(data))
	return name, err
}

// CheckType is for an object whose name is known from elsewhere: it need not have the field "type", but if it does, that must
// be the name. All else is as in [PeekType].
func CheckType(data []byte, name string) error {
	found, has, err := peekType(NewDecoder(data))
	if err == nil && has && found != name {
		err = &Error{Path: "type", Message: "expected " + quote(name) + ", found " + quote(found)}
	}
	return err
}

func peekType(d *Decoder) (name string, has bool, err error) {
	var seen Fields
	for d.BeginObject(); d.NextField(); {
		switch string(d.Key()) {
		case "type":
			d.Seen(&seen, 0)
			name = d.String()
		default:
			d.Skip()
		}
	}
	d.Require(seen, "type")
	if err := d.End(); err != nil {
		return "", false, err
	}
	return name, seen.has(0), nil
}
