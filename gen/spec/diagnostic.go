package spec

import "github.com/ironflow-gen/ironflow/gen/diagnostic"

// Pos is a place in a declaration.
type Pos = diagnostic.Pos

// Diagnostics collects mistakes in declarations.
type Diagnostics = diagnostic.List

// Diagnostic is one of them.
type Diagnostic = diagnostic.Diagnostic

// Errors is a list of mistakes as an error.
type Errors = diagnostic.Errors
