package ironflowtest

import "github.com/ironflow-gen/ironflow/runtime/workflow"

// OlderSample is a payload that a program stored in an older version of an event, input, effect or rejection.
type OlderSample struct {
	Name    string // stored name
	Version int
	Payload string // fields as JSON
}

// OlderVersions decodes each sample, converts it with the generated conversions and the methods of your Upcaster to the declared version, and
// decodes the result as the program stores it. The test fails if one of these steps fails or panics, if converting a sample twice gives two
// values, or if a conversion does not return. The failure names the version and the path of the field. kind is "event", "input", "effect" or
// "rejection". Generated code calls OlderVersions with the samples of the lock.
func OlderVersions[T any](t TB, kind string, c workflow.Codec[T], samples []OlderSample) {
	t.Helper()
	for _, s := range samples {
		var err error
		bounded(t, "Upcaster for "+kind+" "+s.Name, func() { err = c.CheckOlder(s.Name, s.Version, []byte(s.Payload)) })
		if err != nil {
			t.Errorf("%s %s: %v\n\tthe sample of the lock is %s", kind, s.Name, err, s.Payload)
		}
	}
}
