// Package pack reads packs, from disk or as they arrive.
package pack
