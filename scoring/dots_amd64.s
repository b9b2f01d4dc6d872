#include "textflag.h"

// func dots4x2(n int, rows *float32, stride int, queries *float32, queryStride int, out *[8]float32)
//
// SI, R10, R11 and R12 are the rows, DI and R13 the queries, AX the offset into
// all of them. Y0 to Y7 add up eight lanes of each product: Y(2r+q) that of row r
// and query q. Eight sums are what two multiply-adds a cycle with a latency of
// four need to be kept busy.
TEXT ·dots4x2(SB), NOSPLIT, $0-48
	MOVQ n+0(FP), CX
	MOVQ rows+8(FP), SI
	MOVQ stride+16(FP), R8
	MOVQ queries+24(FP), DI
	MOVQ queryStride+32(FP), R9
	MOVQ out+40(FP), DX
	SHLQ $2, R8
	SHLQ $2, R9
	LEAQ (SI)(R8*1), R10
	LEAQ (SI)(R8*2), R11
	LEAQ (R10)(R8*2), R12
	LEAQ (DI)(R9*1), R13

	VXORPS Y0, Y0, Y0
	VXORPS Y1, Y1, Y1
	VXORPS Y2, Y2, Y2
	VXORPS Y3, Y3, Y3
	VXORPS Y4, Y4, Y4
	VXORPS Y5, Y5, Y5
	VXORPS Y6, Y6, Y6
	VXORPS Y7, Y7, Y7
	XORQ   AX, AX
	SHRQ   $3, CX
	JZ     sums

loop:
	VMOVUPS     (DI)(AX*1), Y8
	VMOVUPS     (R13)(AX*1), Y9
	VMOVUPS     (SI)(AX*1), Y10
	VMOVUPS     (R10)(AX*1), Y11
	VFMADD231PS Y8, Y10, Y0
	VFMADD231PS Y9, Y10, Y1
	VFMADD231PS Y8, Y11, Y2
	VFMADD231PS Y9, Y11, Y3
	VMOVUPS     (R11)(AX*1), Y12
	VMOVUPS     (R12)(AX*1), Y13
	VFMADD231PS Y8, Y12, Y4
	VFMADD231PS Y9, Y12, Y5
	VFMADD231PS Y8, Y13, Y6
	VFMADD231PS Y9, Y13, Y7
	ADDQ        $32, AX
	DECQ        CX
	JNZ         loop

sums:
	// Neighbouring lanes are added twice, which puts the four sums of a row pair
	// into each half of a register, and then the halves.
	VHADDPS      Y1, Y0, Y0
	VHADDPS      Y3, Y2, Y2
	VHADDPS      Y2, Y0, Y0
	VEXTRACTF128 $1, Y0, X8
	VADDPS       X8, X0, X0
	VMOVUPS      X0, (DX)
	VHADDPS      Y5, Y4, Y4
	VHADDPS      Y7, Y6, Y6
	VHADDPS      Y6, Y4, Y4
	VEXTRACTF128 $1, Y4, X8
	VADDPS       X8, X4, X4
	VMOVUPS      X4, 16(DX)
	VZEROUPPER
	RET
