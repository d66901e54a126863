// Package openapi has tests only: the OpenAPI documents that ironflow-gen writes, and the requests and answers of the handler
// that it generates, are looked at with github.com/pb33f/libopenapi.
package openapi
