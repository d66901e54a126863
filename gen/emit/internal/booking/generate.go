// Package booking is generated from a declaration that is served over HTTP; its tests ask the server as any client does.
package booking

//go:generate go tool ironflow-gen
