// Command kitops watches Git repositories and runs commands when they change.
package main
