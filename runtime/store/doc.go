// Package store is the contract between the engine and the stores: what a store must do, what it may do besides, the rows that
// pass between the two, and the errors that both know. Whoever writes a store reads [Store] first; package storetest is the
// written form of the rules.
package store
