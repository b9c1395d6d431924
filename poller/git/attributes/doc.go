// Package attributes answers what .gitattributes say of a path.
package attributes
