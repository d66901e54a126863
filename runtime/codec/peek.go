package codec

// PeekType returns the name in the field "type" of an object, which may stand anywhere in it. The whole document is
// checked, but no other value is decoded. Anything but an object, a missing field, a second one and one that is not a
// string are errors, of type [*Error].
func PeekType(data []byte) (string, error) {
	d := NewStrictDecoder(data)
	var seen Fields
	var name string
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
		return "", err
	}
	return name, nil
}
