package main

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/ironflow-gen/ironflow/examples/internal/storage/storagetest"
	"github.com/ironflow-gen/ironflow/internal/pgserver"
)

func TestMain(m *testing.M) { os.Exit(pgserver.Main(m)) }

func TestTravel(t *testing.T) {
	t.Parallel()
	storagetest.OnBoth(t, func(t *testing.T, database, file string) {
		for range 2 { // the second time everything has happened already
			var out bytes.Buffer
			if err := run(t.Context(), &out, database, file); err != nil {
				t.Fatalf("%v\n%s", err, &out)
			}
			for _, want := range []string{
				"trip to Rome: booked", "trip to Oslo: failed there is no hotel", "trip to the Moon: failed there is no flight",
				"trip to Atlantis: failed attempt 3 of 3", "trip.FlightRefunded{Reference:REF-Oslo-flight}",
				"input HotelEnded by effect ended:trip of booking/oslo-hotel\n", "input Refused by effect AskProvider of booking/atlantis-flight, attempt 3\n",
			} {
				if !strings.Contains(out.String(), want) {
					t.Errorf("no %q in\n%s", want, &out)
				}
			}
			if refunds := strings.Count(out.String(), "is refunded"); refunds > 1 {
				t.Errorf("%d refunds", refunds)
			}
		}
	})
}
