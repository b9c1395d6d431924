// Package mirror keeps the one repository that checkouts are made from.
package mirror
