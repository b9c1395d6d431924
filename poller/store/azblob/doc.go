// Package azblob reaches a container of Azure Blob storage.
//
// Conditions are ETags: leases of Azure's own are not used. The SDK repeats nothing: who
// has the bucket knows what may be repeated.
package azblob
