;; The inner loop of `Stream.fillMask`, four 32-bit values at a time. `mask.wasm` beside this file is its binary form, which
;; `npx -p wabt wat2wasm mask.wat` writes; a test compares the two.
(module
  (memory (export "memory") 1)

  ;; Fills the memory from its beginning with masks: `kept` or 0, two numbers from each value of the stream.
  ;; counter  position of the first value
  ;; a, b     the stream's keys
  ;; least    a decision is for `kept` where its 16 bits are no less than this
  ;; kept     bits of the number that stands for yes
  ;; bytes    how many to fill, a multiple of 32
  (func (export "fill")
    (param $counter i32) (param $a i32) (param $b i32) (param $least i32) (param $kept i32) (param $bytes i32)
    (local $at i32) (local $x v128) (local $counters v128) (local $four v128)
    ;; What stays the same is spread over the lanes once: engines do not move it out of the loop.
    (local $as v128) (local $bs v128) (local $leasts v128) (local $kepts v128) (local $first v128) (local $second v128)
    (local.set $counters (i32x4.add (i32x4.splat (local.get $counter)) (v128.const i32x4 0 1 2 3)))
    (local.set $four (i32x4.splat (i32.const 4)))
    (local.set $as (i32x4.splat (local.get $a)))
    (local.set $bs (i32x4.splat (local.get $b)))
    (local.set $leasts (i16x8.splat (local.get $least)))
    (local.set $kepts (i32x4.splat (local.get $kept)))
    (local.set $first (i32x4.splat (i32.const 0x21f0aaad)))
    (local.set $second (i32x4.splat (i32.const 0x735a2d97)))
    (loop $next
      ;; `mix` of stream.ts, twice. It is written out: engines do not inline it.
      (local.set $x (v128.xor (local.get $counters) (local.get $as)))
      (local.set $x (i32x4.mul (v128.xor (local.get $x) (i32x4.shr_u (local.get $x) (i32.const 16))) (local.get $first)))
      (local.set $x (i32x4.mul (v128.xor (local.get $x) (i32x4.shr_u (local.get $x) (i32.const 15))) (local.get $second)))
      (local.set $x (v128.xor (local.get $x) (i32x4.shr_u (local.get $x) (i32.const 15))))
      (local.set $x (i32x4.add (local.get $x) (local.get $bs)))
      (local.set $x (i32x4.mul (v128.xor (local.get $x) (i32x4.shr_u (local.get $x) (i32.const 16))) (local.get $first)))
      (local.set $x (i32x4.mul (v128.xor (local.get $x) (i32x4.shr_u (local.get $x) (i32.const 15))) (local.get $second)))
      (local.set $x (v128.xor (local.get $x) (i32x4.shr_u (local.get $x) (i32.const 15))))
      ;; One decision from the lower half of each value, one from the upper: the eight stand in their order.
      (local.set $x (i16x8.ge_u (local.get $x) (local.get $leasts)))
      (v128.store (local.get $at) (v128.and (i32x4.extend_low_i16x8_s (local.get $x)) (local.get $kepts)))
      (v128.store offset=16 (local.get $at) (v128.and (i32x4.extend_high_i16x8_s (local.get $x)) (local.get $kepts)))
      (local.set $counters (i32x4.add (local.get $counters) (local.get $four)))
      (local.set $at (i32.add (local.get $at) (i32.const 32)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $bytes))))))
