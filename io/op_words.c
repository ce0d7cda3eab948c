/* op_words.c: formulas as text. */
#include "io/op_words.h"

static const fl_op_words words[FL_OPS] = {
    [FL_OP_input]         = {"what was put in", "the signal ends here"},
    [FL_OP_conv]          = {"y = b + Σ w · x, over channels and taps of the kernel", "gx = Σ w · gy, over all outputs that x went into: the kernel turned round"},
    [FL_OP_linear]        = {"y = b + Σ w · x, over all inputs", "gx = Σ w · gy, over all outputs"},
    [FL_OP_deconv]        = {"y = b + Σ w · x, spread out by the kernel", "gx = Σ w · gy: the convolution it is the transpose of"},
    [FL_OP_batchnorm]     = {"y = γ · (x − mean) / √(var + ε) + β, one γ, β, mean, var per channel", "gx = gy · γ / √(var + ε)"},
    [FL_OP_moments]       = {"mean and variance of every channel", "gx = g mean / n + g var · 2 (x − mean) / n"},
    [FL_OP_relu]          = {"y = max(x, 0)", "gx = gy where y > 0, else 0"},
    [FL_OP_sigmoid]       = {"y = 1 / (1 + exp(−x))", "gx = gy · y (1 − y)"},
    [FL_OP_tanh]          = {"y = tanh x", "gx = gy · (1 − y²)"},
    [FL_OP_softmax]       = {"y = exp(x) / Σ exp(x), over channels", "gx = y · (gy − Σ y gy)"},
    [FL_OP_logsoftmax]    = {"y = x − log Σ exp(x), over channels", "gx = gy − exp(y) · Σ gy"},
    [FL_OP_maxpool]       = {"y = the largest x of the window", "gx = gy at the winner, 0 at all others"},
    [FL_OP_avgpool]       = {"y = Σ x / n, over the window", "gx = Σ gy / n, over the windows that x lies in"},
    [FL_OP_add]           = {"y = a + b", "ga = gy and gb = gy: each gets all of it"},
    [FL_OP_mul]           = {"y = u · v", "gu = gy · v and gv = gy · u"},
    [FL_OP_concat]        = {"y = the operands, one behind the other", "each gets its own part back"},
    [FL_OP_slice]         = {"y = a part of x", "gx = gy in that part, 0 elsewhere"},
    [FL_OP_reshape]       = {"y = x, counted in other axes", "gx = gy, counted back"},
    [FL_OP_permute]       = {"y = x with its axes in another order", "gx = gy with the axes put back"},
    [FL_OP_shift]         = {"y = some channels of the frame after, some of the frame before", "gx = gy, shifted back"},
    [FL_OP_resize]        = {"y = x between its neighbours", "gx = gy, spread to the neighbours it was taken from"},
    [FL_OP_blur]          = {"y = Σ gauss · x", "gx = Σ gauss · gy"},
    [FL_OP_blend]         = {"y = m · x + (1 − m) · substrate", "gx = m · gy, gm = (x − substrate) · gy"},
    [FL_OP_detach]        = {"y = x", "nothing passes: here the published code cuts time"},
    [FL_OP_sum]           = {"y = Σ x", "gx = gy"},
    [FL_OP_mean]          = {"y = Σ x / n", "gx = gy / n"},
    [FL_OP_pick]          = {"y = one element of x", "gx = gy there, 0 elsewhere"},
    [FL_OP_cross_entropy] = {"y = −Σ target · log softmax(x)", "gx = gy · (softmax(x) Σ target − target)"},
    [FL_OP_lrn]           = {"y = x / (k + α/n Σ x²)^β, over neighbouring channels", "gx = gy · scale − what x adds to its neighbours' scales"},
    [FL_OP_leakyrelu]     = {"y = x where x > 0, else slope · x", "gx = gy where x > 0, else slope · gy"},
    [FL_OP_clip]          = {"y = x between two bounds", "gx = gy between the bounds, 0 at them"},
    [FL_OP_exp]           = {"y = exp x", "gx = gy · y"},
    [FL_OP_log]           = {"y = log x", "gx = gy / x"},
    [FL_OP_erf]           = {"y = erf x", "gx = gy · 2/√π · exp(−x²)"},
    [FL_OP_power]         = {"y = x^p", "gx = gy · p · x^(p−1)"},
    [FL_OP_pad]           = {"y = x with zeros around", "gx = gy without the border"},
};

static const char *const rule_words[FL_RULE_KINDS] = {
    [FL_RULE_GRADIENT] = "the op's own slope",
    [FL_RULE_SHARE] = "R is shared out: every x gets its part of z, R · x w / z",
    [FL_RULE_PASS] = "R passes as it is",
    [FL_RULE_BLOCK] = "R ends here",
    [FL_RULE_GUIDED] = "R passes where it is positive and y > 0",
    [FL_RULE_DECONVNET] = "R passes where it is positive, whatever y is",
    [FL_RULE_CARRIER] = "all of R goes to what is gated, none to the gate",
    [FL_RULE_RESCALE] = "m · Δy / Δx: the mean slope between the reference and the clip",
    [FL_RULE_PRODUCT] = "m · the mean of the other factor, at the reference and here",
    [FL_RULE_SWITCHES] = "m Δy is routed as here and as at the reference, over Δx",
    [FL_RULE_REVEAL_CANCEL] = "what speaks for and what speaks against come first and second in turn",
    [FL_RULE_JOINT] = "R is shared out as if the sums were one sum",
};

const fl_op_words *fl_op_words_of(fl_op_kind kind) { return &words[kind]; }
const char *fl_rule_words(const fl_rule *rule) { return rule_words[rule ? rule->kind : FL_RULE_GRADIENT]; }
