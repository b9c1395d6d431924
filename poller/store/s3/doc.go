// Package s3 reaches a bucket of Amazon S3, or of a server that speaks its protocol.
//
// Requests are such that old and strict servers take them: a checksum only where the
// protocol demands one, Content-MD5 on every put, and the bucket in the path where an
// endpoint is given. The SDK repeats nothing: who has the bucket knows what may be
// repeated. What an error means is decided by its code, not by its status.
package s3
