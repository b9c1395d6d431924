// Package odb finds objects wherever a repository keeps them.
package odb
