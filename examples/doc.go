// Package examples has programs that show ironflow at work, each in a directory of its own. Its tests run them.
package examples
