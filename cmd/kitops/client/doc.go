// Package client puts questions to the running agent.
//
// It prints the answers. Where no agent runs it reads what the last one left: the state file and the history.
package client
