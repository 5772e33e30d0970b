package clickhousetest

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
)

// TextNeedle looks for text as it is and as hexadecimal and base64 digits.
func TextNeedle(name, text string) Needle {
	digits := hex.EncodeToString([]byte(text))
	return Needle{Name: name, Forms: [][]byte{
		[]byte(text), []byte(strings.ToLower(text)), []byte(digits), []byte(strings.ToUpper(digits)),
		[]byte(strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(text)), "=")),
	}}
}

// TokenNeedle looks for a token as a number, in digits, and in bytes of either
// order.
func TokenNeedle(name string, token proto.UInt128) Needle {
	n := new(big.Int).Lsh(new(big.Int).SetUint64(token.High), 64)
	n.Or(n, new(big.Int).SetUint64(token.Low))
	little := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, token.Low), token.High)
	big16 := n.FillBytes(make([]byte, 16))
	forms := [][]byte{[]byte(n.String()), little, big16}
	for _, bytes := range [][]byte{little, big16} {
		digits := hex.EncodeToString(bytes)
		forms = append(forms, []byte(digits), []byte(strings.ToUpper(digits)))
	}
	return Needle{Name: name, Forms: append(forms, []byte(fmt.Sprint(token.Low)), []byte(fmt.Sprint(token.High)))}
}
