package vet

import (
	"go/ast"
	"go/constant"
	"go/types"

	"golang.org/x/tools/go/types/typeutil"
)

// runtimePath is the package that users import, modelPath the one with the types that generated code fills in.
const (
	runtimePath = "github.com/ironflow-gen/ironflow/runtime"
	modelPath   = runtimePath + "/workflow"
)

// isModel reports whether t is the model's type of that name, instantiated or not.
func isModel(t types.Type, name string) bool { return isNamed(t, modelPath, name) }

// isNamed reports whether t is the named type pkg.name.
func isNamed(t types.Type, pkg, name string) bool {
	named, ok := types.Unalias(t).(*types.Named)
	if !ok {
		return false
	}
	obj := named.Obj()
	return obj.Name() == name && obj.Pkg() != nil && obj.Pkg().Path() == pkg
}

// is reports whether the underlying type of t, which may be nil, is a T.
func is[T types.Type](t types.Type) bool {
	if t == nil {
		return false
	}
	_, ok := t.Underlying().(T)
	return ok
}

func isError(t types.Type) bool { return types.Identical(t, types.Universe.Lookup("error").Type()) }

// callee returns the function or method that a call calls, in its generic form, or nil.
func callee(info *types.Info, call *ast.CallExpr) *types.Func {
	if f, ok := typeutil.Callee(info, call).(*types.Func); ok {
		return f.Origin()
	}
	return nil
}

// isFunc reports whether f is the function pkg.name.
func isFunc(f *types.Func, pkg string, names ...string) bool {
	if f == nil || f.Pkg() == nil || f.Pkg().Path() != pkg || f.Signature().Recv() != nil {
		return false
	}
	for _, name := range names {
		if f.Name() == name {
			return true
		}
	}
	return len(names) == 0
}

// receiverName returns the name of the type that a method belongs to, or "".
func receiverName(f *types.Func) string {
	recv := f.Signature().Recv()
	if recv == nil {
		return ""
	}
	t := recv.Type()
	if p, ok := types.Unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	if named, ok := types.Unalias(t).(*types.Named); ok {
		return named.Obj().Name()
	}
	return ""
}

// isInterfaceMethod reports whether f has no body of its own.
func isInterfaceMethod(f *types.Func) bool {
	recv := f.Signature().Recv()
	return recv != nil && types.IsInterface(recv.Type())
}

// qualified is the name of an object as it is written in from: Lookup, price.Lookup, Decider.total, price.Table.Lookup.
func qualified(from *types.Package, obj types.Object) string {
	name := obj.Name()
	if f, ok := obj.(*types.Func); ok {
		if recv := receiverName(f); recv != "" {
			name = recv + "." + name
		}
	}
	if pkg := obj.Pkg(); pkg != nil && pkg != from {
		name = pkg.Name() + "." + name
	}
	return name
}

// constantString returns the value of a constant expression.
func constantString(info *types.Info, e ast.Expr) (string, bool) {
	value := info.Types[e].Value
	if value == nil || value.Kind() != constant.String {
		return "", false
	}
	return constant.StringVal(value), true
}

// rootIdent returns the identifier of the variable that an expression like x, x.f, x[i].f or *x begins with, or nil. For
// pkg.X it is X.
func rootIdent(info *types.Info, e ast.Expr) *ast.Ident {
	for {
		switch x := ast.Unparen(e).(type) {
		case *ast.Ident:
			return x
		case *ast.SelectorExpr:
			if _, isField := info.Selections[x]; !isField {
				return x.Sel
			}
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		default:
			return nil
		}
	}
}

// rootObject returns the variable of rootIdent, or nil.
func rootObject(info *types.Info, e ast.Expr) *types.Var {
	id := rootIdent(info, e)
	if id == nil {
		return nil
	}
	v, _ := info.ObjectOf(id).(*types.Var)
	return v
}

// mentions reports whether an identifier below n stands for one of the objects.
func mentions(info *types.Info, n ast.Node, objects map[types.Object]bool) bool {
	if n == nil {
		return false
	}
	found := false
	ast.Inspect(n, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && objects[info.ObjectOf(id)] {
			found = true
		}
		return !found
	})
	return found
}

func mentionsObject(info *types.Info, n ast.Node, obj types.Object) bool {
	return mentions(info, n, map[types.Object]bool{obj: true})
}

// isPackageVar reports whether v is declared at package level.
func isPackageVar(v *types.Var) bool {
	return v != nil && !v.IsField() && v.Pkg() != nil && v.Parent() == v.Pkg().Scope()
}

// signatureOf returns the signature of what a call calls, or nil for conversions and some builtin functions.
func signatureOf(info *types.Info, call *ast.CallExpr) *types.Signature {
	t := info.TypeOf(call.Fun)
	if t == nil {
		return nil
	}
	sig, _ := t.Underlying().(*types.Signature)
	return sig
}
