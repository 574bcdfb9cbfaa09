package model

import "math"

// The sums here use only operations that IEEE 754 rounds exactly, each rounded by
// itself, so that every machine comes to the same bits. math.Exp does not promise that.

// Exp is e to the x.
func Exp(x float64) float64 {
	switch {
	case x > 700:
		x = 700
	case x < -700:
		return 0
	}
	const ln2hi, ln2lo = 6.93147180369123816490e-01, 1.90821492927058770002e-10
	k := math.Floor(float64(x*1.44269504088896338700) + 0.5)
	r := float64(x-float64(k*ln2hi)) - float64(k*ln2lo)
	sum, term := 1.0, 1.0
	for n := 1.0; n < 14; n++ {
		term = float64(term*r) / n
		sum += term
	}
	return math.Ldexp(sum, int(k))
}

// Log is the natural logarithm of a number above 0.
func Log(x float64) float64 {
	fraction, exponent := math.Frexp(x)
	if fraction < math.Sqrt2/2 {
		fraction *= 2
		exponent--
	}
	s := (fraction - 1) / (fraction + 1)
	square := float64(s * s)
	sum, power := 0.0, s
	for n := 1.0; n < 26; n += 2 {
		sum += power / n
		power = float64(power * square)
	}
	return float64(2*sum) + float64(float64(exponent)*math.Ln2)
}

// Logistic is the chance of a sum of evidence.
func Logistic(x float64) float64 { return 1 / (1 + Exp(-x)) }

// Softmax turns scores into chances that add up to 1.
func Softmax(scores []float64, temperature float64) []float64 {
	top := scores[0]
	for _, s := range scores {
		top = max(top, s)
	}
	chances := make([]float64, len(scores))
	sum := 0.0
	for k, s := range scores {
		chances[k] = Exp((s - top) / temperature)
		sum += chances[k]
	}
	for k := range chances {
		chances[k] /= sum
	}
	return chances
}

// GateSum is the evidence that a text is the shop's business, from the gate's
// own score and from the part of the chances that the intents give to business.
func GateSum(gate [3]float64, score, business float64) float64 {
	opinion := Log((business + 1e-4) / (1 - business + 1e-4))
	return gate[0] + float64(gate[1]*score) + float64(gate[2]*opinion)
}
