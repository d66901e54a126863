package otel

import (
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
)

// labels makes the attributes of a metric that is told of each input or delivery. There are few sets of them, and making one costs
// more than counting, so each is made once.
type labels struct {
	keys []attribute.Key

	mu   sync.RWMutex
	made map[values]*set
}

// values are those of the keys, in their order. What is empty has no attribute.
type values [5]string

// set is one set of attributes, as instruments take it.
type set struct {
	attribute.Set
	record []metric.RecordOption
	add    []metric.AddOption
}

func newLabels(keys ...attribute.Key) *labels {
	return &labels{keys: keys, made: make(map[values]*set)}
}

func (l *labels) of(v values) *set {
	l.mu.RLock()
	s := l.made[v]
	l.mu.RUnlock()
	if s != nil {
		return s
	}
	var attributes []attribute.KeyValue
	for i, key := range l.keys {
		if v[i] != "" {
			attributes = append(attributes, key.String(v[i]))
		}
	}
	s = &set{Set: attribute.NewSet(attributes...)}
	option := metric.WithAttributeSet(s.Set)
	s.record, s.add = []metric.RecordOption{option}, []metric.AddOption{option}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.made[v] = s
	return s
}
