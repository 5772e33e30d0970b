package clickhousetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// Table is one of the server.
type Table struct {
	// Database and Name of the table; Engine is its kind.
	Database, Name, Engine string
}

// String is the table's quoted name.
func (t Table) String() string { return "`" + t.Database + "`.`" + t.Name + "`" }

// Tables lists every table and view there is, those of system too.
func (s *Server) Tables(t testing.TB) []Table {
	t.Helper()
	rows, err := s.Conn(t, Operator).Query(t.Context(), "SELECT database, name, engine FROM system.tables ORDER BY database, name")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var tables []Table
	for rows.Next() {
		var table Table
		if err := rows.Scan(&table.Database, &table.Name, &table.Engine); err != nil {
			t.Fatal(err)
		}
		tables = append(tables, table)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return tables
}

// ErrDied says that the server died before it answered, or gave none in a
// minute.
var ErrDied = errors.New("the server died")

// Ask runs a statement over the HTTP interface as the user, with parameters of
// the URL, and gives all that comes back: status, headers and the answer, or
// what the server says is wrong with it. ErrDied is the only error.
func (s *Server) Ask(t testing.TB, user, statement string, parameters url.Values) (ok bool, answer []byte, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.HTTPAddr()+"/?"+parameters.Encode(), strings.NewReader(statement))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-ClickHouse-User", user)
	request.Header.Set("X-ClickHouse-Key", s.Password(user))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		if ctx.Err() != nil || s.died() {
			return false, nil, ErrDied
		}
		t.Fatalf("%s: %v", statement, err)
	}
	defer response.Body.Close()
	var all bytes.Buffer
	fmt.Fprintln(&all, response.Status, response.Header)
	if _, err := io.Copy(&all, response.Body); err != nil {
		fmt.Fprintln(&all, err) // cut off: an exception after the first rows
		return false, all.Bytes(), nil
	}
	if bytes.Contains(all.Bytes(), []byte("shutting down due to a fatal error")) {
		return false, nil, ErrDied
	}
	return response.StatusCode == http.StatusOK, all.Bytes(), nil
}

// Needle is something to look for, in every form that it may have.
type Needle struct {
	// Name is what a finding is called; never the secret itself.
	Name string
	// Forms are its forms in bytes.
	Forms [][]byte
}

// Find gives the names of the needles that data holds.
func Find(data []byte, needles []Needle) []string {
	var found []string
	for _, n := range needles {
		if slices.ContainsFunc(n.Forms, func(form []byte) bool { return bytes.Contains(data, form) }) {
			found = append(found, n.Name)
		}
	}
	return found
}

// Unread are tables of system that hold nothing of their own: numbers without
// end, the code points of Unicode, models, which asks another server, and
// stack_trace, which stops each thread with a signal, of which the engine in a
// process of ours dies at times.
var Unread = []string{"numbers", "numbers_mt", "zeros", "zeros_mt", "primes", "unicode", "models", "stack_trace"}

// Search reads every column of every table of the server, system's too, and
// gives the tables that hold each needle, by its name.
func (s *Server) Search(t testing.TB, needles []Needle) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	read := 0
	for _, table := range s.Tables(t) {
		if table.Database == "system" && slices.Contains(Unread, table.Name) {
			continue
		}
		ok, data, err := s.Ask(t, Operator, "SELECT * FROM "+table.String()+" FORMAT RowBinary", nil)
		if err != nil {
			t.Fatalf("%s: %v", table, err)
		}
		// Some of system's need what is not here, such as a ZooKeeper; a view
		// may have parameters, and holds nothing.
		if !ok && table.Database != "system" && table.Engine != "View" {
			t.Errorf("%s cannot be searched: %s", table, data)
		}
		if ok {
			read++
		}
		for _, name := range Find(data, needles) {
			found[name] = append(found[name], table.Database+"."+table.Name)
		}
	}
	if read < 50 {
		t.Errorf("only %d tables could be searched", read)
	}
	return found
}
