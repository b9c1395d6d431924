// Package inflate unpacks zlib streams whose size is known.
package inflate
