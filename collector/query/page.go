package query

import (
	"encoding/base64"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// page cuts one page out of all, which is ordered by key, behind the element
// that the token names, and gives the token of the next; empty at the end.
func page[T any](all []T, key func(T) string, size uint32, token string, most int) ([]T, string, error) {
	after, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return nil, "", status.Errorf(codes.InvalidArgument, "page_token %q is none that this service gave: leave it empty to begin", token)
	}
	n := int(min(size, uint32(most)))
	if n == 0 {
		n = most
	}
	start := 0
	if token != "" {
		for start < len(all) && key(all[start]) <= string(after) {
			start++
		}
	}
	end := min(start+n, len(all))
	if end == len(all) {
		return all[start:end], "", nil
	}
	return all[start:end], base64.RawURLEncoding.EncodeToString([]byte(key(all[end-1]))), nil
}
