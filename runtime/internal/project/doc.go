// Package project reads the feed of events: it runs projections, waits for news, and deletes what has been kept for long enough.
package project
