// Package browser tests the console in a browser. It is a module of its own, so that nobody else needs what drives the browser. "make browser"
// runs it.
package browser
