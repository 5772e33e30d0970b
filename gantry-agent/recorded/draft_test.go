package recorded

import "testing"

func draftAnything(t *testing.T, r *Recording) {}
