// Package api answers questions about an agent over HTTP: how it stands, what it has run.
//
// docs/openapi.yaml describes the routes, and the tests hold the server to it. The control socket ([Socket]) serves
// them to programs of the agent's own user and of root; who asks is told by the kernel.
package api
