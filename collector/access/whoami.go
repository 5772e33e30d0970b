package access

import (
	"encoding/json"
	"net/http"
)

// session is the answer of GET /session.
type session struct {
	// Name and Via say who is looking and how that is known.
	Name string `json:"name"`
	Via  string `json:"via"`
	// Roles in words.
	Roles []string `json:"roles"`
	// Login is where to log in, empty where nobody can.
	Login string `json:"login,omitempty"`
}

// Routes adds what a dashboard needs to know who is looking: GET /session,
// and with OpenID Connect also GET /login, its callback and DELETE /session.
// The mux must stand behind Handler.
func (g *Guard) Routes(mux *http.ServeMux) {
	mux.HandleFunc("GET /session", g.whoami)
	if g.login != nil {
		g.login.routes(mux)
	}
}

func (g *Guard) whoami(w http.ResponseWriter, r *http.Request) {
	v, _ := r.Context().Value(visitKey{}).(visit)
	if v.problem != nil {
		http.Error(w, v.problem.Error(), httpStatus(v.problem))
		return
	}
	answer := session{Name: v.caller.Name, Via: v.caller.Via, Roles: v.caller.Roles.Names()}
	if g.login != nil {
		answer.Login = loginPath
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(answer)
}
