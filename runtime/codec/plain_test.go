package codec_test

import (
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ironflow-gen/ironflow/runtime/codec"
)

// The tests here compare what is written by hand for speed with the standard library.

func TestIntegersLikeStrconv(t *testing.T) {
	check := func(v int64) {
		if text, err := encode(v, (*codec.Encoder).Int64); err != nil || text != strconv.FormatInt(v, 10) {
			t.Errorf("%d was encoded as %s, %v", v, text, err)
		}
	}
	for shift := range 64 {
		for delta := range int64(3) {
			check(1<<shift + delta - 1)
			check(-1<<shift + delta - 1)
		}
	}
	for power := int64(1); power > 0 && power < 1e18; power *= 10 {
		for _, v := range []int64{power - 1, power, power + 1} {
			check(v)
			check(-v)
		}
	}
}

func TestTimesLikeRFC3339Nano(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range 20000 {
		const first, last = -62167219200, 253402300799
		nanos := r.Int64N(1e9)
		nanos -= nanos % []int64{1, 10, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}[i%10] // every number of digits
		v := time.Unix(first+r.Int64N(last-first+1), nanos).UTC()
		if text, err := encode(v, (*codec.Encoder).Time); err != nil || text != `"`+v.Format(time.RFC3339Nano)+`"` {
			t.Fatalf("%v was encoded as %s, %v", v, text, err)
		}
	}
}

// TestStringsOfEveryLength has a special character at every place of strings that end at every place of a word.
func TestStringsOfEveryLength(t *testing.T) {
	for length := range 40 {
		plain := strings.Repeat("x", length)
		roundTrip(t, plain, `"`+plain+`"`, (*codec.Encoder).String, (*codec.Decoder).String)
		for at := range length {
			for special, text := range map[string]string{
				`"`: `\"`, `\`: `\\`, "\x1f": `\u001f`, "\n": `\n`, "é": "é", "\x7f": "\x7f", " ": " ", "!": "!", "#": "#", "]": "]", "[": "[",
			} {
				before, after := plain[:at], plain[at+1:]
				roundTrip(t, before+special+after, `"`+before+text+after+`"`, (*codec.Encoder).String, (*codec.Decoder).String)
			}
			bad := plain[:at] + "\x80" + plain[at+1:]
			if text, err := encode(bad, (*codec.Encoder).String); err == nil {
				t.Errorf("%q was encoded as %s", bad, text)
			}
		}
	}
}
