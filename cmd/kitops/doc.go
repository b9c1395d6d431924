// Command kitops runs commands when Git repositories change.
package main
