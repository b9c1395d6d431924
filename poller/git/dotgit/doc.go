// Package dotgit makes the .git of a checkout.
package dotgit
