//go:build !unix

package main

import (
	"context"
	"time"
)

// cpuTime is not known here.
func cpuTime() time.Duration { return 0 }

func (b *bench) serverTime(context.Context) time.Duration { return 0 }
