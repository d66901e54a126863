package codec

import "time"

// inYears reports whether t has a year from 0 to 9999 in UTC.
func inYears(t time.Time) bool {
	const first, last = -62167219200, 253402300799 // seconds of 0000-01-01T00:00:00Z and 9999-12-31T23:59:59Z
	return first <= t.Unix() && t.Unix() <= last
}

// putTime writes a time in UTC to the beginning of b and returns the length of the text. The year must be from 0 to 9999. The
// text is the same as with time.RFC3339Nano, but takes a quarter less time.
func putTime(b []byte, t time.Time) int {
	const seconds = len("2006-01-02T15:04:05")
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	putTwo(b[0:], year/100)
	putTwo(b[2:], year%100)
	b[4] = '-'
	putTwo(b[5:], int(month))
	b[7] = '-'
	putTwo(b[8:], day)
	b[10] = 'T'
	putTwo(b[11:], hour)
	b[13] = ':'
	putTwo(b[14:], minute)
	b[16] = ':'
	putTwo(b[17:], second)
	n := seconds
	if nanos := uint32(t.Nanosecond()); nanos != 0 {
		b[n] = '.'
		n += len(".999999999")
		for i := n - 1; i > seconds; i-- {
			b[i] = byte('0' + nanos%10)
			nanos /= 10
		}
		for b[n-1] == '0' {
			n--
		}
	}
	b[n] = 'Z'
	return n + 1
}

// parseTime reads an RFC 3339 time as [Decoder.Time] documents. time.Parse is not strict enough: it accepts hours of one digit
// and a comma before the fraction, and drops digits after the ninth.
func parseTime(s []byte) (time.Time, bool) {
	const layout = "2006-01-02T15:04:05"
	if len(s) < len(layout)+1 || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return time.Time{}, false
	}
	century, year, month, day := twoDigits(s[0:]), twoDigits(s[2:]), twoDigits(s[5:]), twoDigits(s[8:])
	hour, minute, second := twoDigits(s[11:]), twoDigits(s[14:]), twoDigits(s[17:])
	if min(century, year, month, day, hour, minute, second) < 0 || hour > 23 || minute > 59 || second > 59 {
		return time.Time{}, false
	}
	s = s[len(layout):]
	nanos := 0
	if s[0] == '.' {
		end := skipDigits(s, 1)
		if end < 2 || end > 10 || end == len(s) {
			return time.Time{}, false
		}
		for i := 1; i < 10; i++ {
			nanos *= 10
			if i < end {
				nanos += int(s[i] - '0')
			}
		}
		s = s[end:]
	}
	offset, ok := parseOffset(s)
	t := time.Date(century*100+year, time.Month(month), day, hour, minute, second, nanos, time.UTC)
	if !ok || t.Day() != day || int(t.Month()) != month { // the library turns February 30 into a day of March
		return time.Time{}, false
	}
	if offset != 0 {
		t = t.Add(-offset)
	}
	return t, inYears(t)
}

// parseOffset reads Z, +hh:mm or -hh:mm.
func parseOffset(s []byte) (time.Duration, bool) {
	if len(s) == 1 && s[0] == 'Z' {
		return 0, true
	}
	if len(s) != len("+hh:mm") || s[0] != '+' && s[0] != '-' || s[3] != ':' {
		return 0, false
	}
	hours, minutes := twoDigits(s[1:]), twoDigits(s[4:])
	if hours < 0 || hours > 23 || minutes < 0 || minutes > 59 {
		return 0, false
	}
	offset := time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if s[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// putTwo writes a number below 100 as two digits.
func putTwo(b []byte, n int) {
	b[0] = byte('0' + n/10)
	b[1] = byte('0' + n%10)
}

// twoDigits returns the value of the two digits at the beginning of s, or -1 if there are none.
func twoDigits(s []byte) int {
	if !isDigit(s[0]) || !isDigit(s[1]) {
		return -1
	}
	return int(s[0]-'0')*10 + int(s[1]-'0')
}
