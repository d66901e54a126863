package workflow

import (
	"bytes"
	"fmt"
	"strconv"

	"github.com/ironflow-gen/ironflow/runtime/codec"
)

// versionKey is the key of the version in stored inputs, effects and rejections; without it, the version is 1. No declared field has this
// name. Events have no such key: their version is a column of their table.
const versionKey = "@version"

// encodeStored is encode for a payload that is stored. Its version is its first field.
func encodeStored[T any](v T, c Codec[T]) (name string, payload []byte, err error) {
	name, payload, err = encode(v, c)
	if version := c.version(name); err == nil && version > 1 {
		b := append(make([]byte, 0, len(payload)+len(versionKey)+8), `{"`+versionKey+`":`...)
		b = strconv.AppendInt(b, int64(version), 10)
		if len(payload) > len("{}") {
			b = append(b, ',')
		}
		payload = append(b, payload[1:]...)
	}
	return name, payload, err
}

// storedVersion returns the version of a stored payload.
func storedVersion(payload []byte) int {
	if !bytes.Contains(payload, []byte(`"`+versionKey+`"`)) {
		return 1
	}
	version := int64(1)
	d := codec.NewDecoder(payload)
	for d.BeginObject(); d.NextField(); {
		if string(d.Key()) == versionKey {
			version = d.Int64()
		} else {
			d.Skip()
		}
	}
	if d.Err() != nil { // whoever decodes the payload says what is wrong with it
		return 1
	}
	return int(version)
}

// decodeStored reads a payload that encodeStored has written, in this version or an older one.
func decodeStored[T any](payload []byte, name string, c Codec[T]) (T, error) {
	version, known := storedVersion(payload), c.version(name)
	if version > known || version < 1 {
		var none T
		return none, fmt.Errorf("it has version %d, this program knows %d: a newer program wrote it", version, known)
	}
	return decode(codec.NewDecoder(payload), name, c.at(name, version))
}

// at returns the codec with a Decode for one version of a variant.
func (c Codec[T]) at(name string, version int) Codec[T] {
	if decodeOld := c.DecodeOld; version < c.version(name) && decodeOld != nil {
		c.Decode = func(d *codec.Decoder, name string) (T, error) { return decodeOld(d, name, version) }
	}
	return c
}

// CheckOlder decodes a payload of an older version, converts it to the declared version, writes that as it is stored and reads it again. The
// error says at which of these steps it fails, and at which path of the payload. It also fails if converting the payload again gives another
// value. Package ironflowtest calls it for generated tests.
func (c Codec[T]) CheckOlder(name string, version int, payload []byte) error {
	if version >= c.version(name) {
		return fmt.Errorf("version %d is not older than the declared version %d", version, c.version(name))
	}
	var texts [2][]byte
	for i := range texts {
		v, err := decode(codec.NewDecoder(payload), name, c.at(name, version))
		if err != nil {
			return fmt.Errorf("reading version %d: %w", version, err)
		}
		if _, texts[i], err = encode(v, c); err != nil {
			return fmt.Errorf("writing what version %d was converted to: %w", version, err)
		}
	}
	if !bytes.Equal(texts[0], texts[1]) {
		return fmt.Errorf("converting version %d twice gives two values: a method of the Upcaster is not pure", version)
	}
	if _, err := decode(codec.NewDecoder(texts[0]), name, c); err != nil {
		return fmt.Errorf("reading what version %d was converted to: %w", version, err)
	}
	return nil
}

// decodeFields reads a variant of fields that have no version, because they come from elsewhere: from the state of a child, say, that ended
// when another program ran. They are of the version that they fit best, and of the newest of several that they fit alike. Fields that are
// missing stay zero.
func decodeFields[T any](fields []byte, name string, c Codec[T]) (T, error) {
	best := c.version(name)
	for version, fewest := best, -1; version > 0 && c.version(name) > 1 && fewest != 0; version-- {
		_, err := decode(codec.NewStrictDecoder(fields), name, c.at(name, version))
		if mistakes := len(codecErrors(err)); fewest < 0 || mistakes < fewest {
			best, fewest = version, mistakes
		}
	}
	return decode(codec.NewDecoder(fields), name, c.at(name, best))
}

// upcast returns a stored payload as this program would write it.
func upcast[T any](payload []byte, name string, c Codec[T]) ([]byte, error) {
	if storedVersion(payload) == c.version(name) {
		return payload, nil
	}
	v, err := decodeStored(payload, name, c)
	if err != nil {
		return nil, err
	}
	_, payload, err = encodeStored(v, c)
	return payload, err
}
