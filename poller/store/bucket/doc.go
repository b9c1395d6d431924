// Package bucket keeps each document as an object that many instances share.
//
// What differs between S3 and Azure Blob is behind [Objects]; what is the same is
// here. A document is replaced only by a put that names the ETag of what it
// replaces, and made only by one that says that nothing is there.
//
// # Answers that are lost
//
// A put without an answer may have been done, or be done later: that the object is
// as before proves nothing. So the same bytes are put again under the same
// condition, and when the condition fails the object is read: each put writes a
// text of its own into it, which tells whether it was this one. Clients of a
// protocol must not repeat a put by themselves: they take their own success for a
// conflict.
//
// # Deletion
//
// Not every server deletes under a condition, and in a bucket with versions a
// deletion leaves a marker that some take for an object. A deleted document is an
// empty object, therefore: it reads as none, and is replaced like any other.
package bucket
