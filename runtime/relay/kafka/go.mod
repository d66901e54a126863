module github.com/ironflow-gen/ironflow/runtime/relay/kafka

go 1.26.0

require (
	// In this repository it is what is three directories up, see replace. A release names the version that is tagged with it.
	github.com/ironflow-gen/ironflow v0.0.0
	github.com/twmb/franz-go v1.22.3
	github.com/twmb/franz-go/pkg/kadm v1.20.0
	github.com/twmb/franz-go/pkg/kmsg v1.15.1
)

require (
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/pierrec/lz4/v4 v4.1.33 // indirect
	github.com/robfig/cron/v3 v3.0.1 // indirect
)

replace github.com/ironflow-gen/ironflow => ../../..
