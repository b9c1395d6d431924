// Package object is Git's objects: how they are named, parsed, refused.
package object
