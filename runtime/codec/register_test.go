package codec_test

import (
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/codec"
)

type pause struct{ D time.Duration }

// TestRegister writes and reads a type as its own package does, in whatever it is held.
func TestRegister(t *testing.T) {
	t.Parallel()
	codec.Register(
		func(e *codec.Encoder, p pause) { e.Duration(p.D) },
		func(d *codec.Decoder) pause { return pause{d.Duration()} },
	)
	e := codec.NewEncoder()
	codec.EncodeList(e, []pause{{time.Minute}}, codec.EncodeGo[pause])
	data, err := e.Bytes()
	if err != nil || string(data) != `["1m0s"]` {
		t.Fatalf("got %s, %v", data, err)
	}
	d := codec.NewStrictDecoder(data)
	if list := codec.DecodeList(d, codec.DecodeGo[pause]); d.End() != nil || len(list) != 1 || list[0].D != time.Minute {
		t.Errorf("got %v, %v", list, d.Err())
	}
	d = codec.NewStrictDecoder([]byte(`["soon"]`))
	if codec.DecodeList(d, codec.DecodeGo[pause]); d.End() == nil {
		t.Error("a text that is no duration was accepted")
	}
}
