/* rulesets.c: the rules and the rule sets, all of them, with the papers they are from.
 *
 * A rule is a table of terms {x part, w part, b part, group, sign, coefficient, when}; a rule set is a table of rows
 * {flags, op, place, name} -> rule, the first that fits wins, and what none fits crosses as the gradient. */
#include "attribution/rulesets.h"

#include "autograd/op.h"

#include <string.h>

#define ALL_   FL_ALL_OF
#define POS    FL_POSITIVE_OF
#define NEG    FL_NEGATIVE_OF
#define NONE   FL_NONE_OF
#define UP     FL_LEAN_POSITIVE
#define DOWN   FL_LEAN_NEGATIVE

static const fl_rule gradient  = {.name = "gradient", .kind = FL_RULE_GRADIENT};
static const fl_rule pass      = {.name = "pass", .kind = FL_RULE_PASS};
static const fl_rule block     = {.name = "block", .kind = FL_RULE_BLOCK};
static const fl_rule guided    = {.name = "guided", .kind = FL_RULE_GUIDED};
static const fl_rule deconvnet = {.name = "deconvnet", .kind = FL_RULE_DECONVNET};
static const fl_rule carrier   = {.name = "carrier", .kind = FL_RULE_CARRIER};
static const fl_rule rescale   = {.name = "rescale", .kind = FL_RULE_RESCALE};
static const fl_rule product   = {.name = "product", .kind = FL_RULE_PRODUCT};
static const fl_rule switches  = {.name = "switches", .kind = FL_RULE_SWITCHES};
static const fl_rule reveal    = {.name = "reveal_cancel", .kind = FL_RULE_REVEAL_CANCEL};
static const fl_rule bounded   = {.name = "bounded", .kind = FL_RULE_BOUNDED};
static const fl_rule centred   = {.name = "centred", .kind = FL_RULE_CENTRED};
static const fl_rule joint     = {.name = "joint", .kind = FL_RULE_JOINT};

#define SHARE(rule_name, e, ...) {.name = rule_name, .kind = FL_RULE_SHARE, .epsilon = e, __VA_ARGS__}
#define PLAIN .n_terms = 1, .term = {{ALL_, ALL_, ALL_, 0, 1, 1, FL_ALWAYS}}

/* In proportion to what every operand gives; the stabiliser and the bias keep their part (Bach 2015). */
static const fl_rule zero        = SHARE("zero", 0, PLAIN);
static const fl_rule epsilon     = SHARE("epsilon", 1e-6, .tuned = true, PLAIN);
static const fl_rule epsilon_a   = SHARE("epsilon_preset", 0.1, .tuned = true, PLAIN);
static const fl_rule epsilon_rnn = SHARE("epsilon_lstm", 1e-3, .tuned = true, PLAIN);
static const fl_rule epsilon_all = SHARE("epsilon_spread", 1e-3, .tuned = true, .spread = true, PLAIN);
static const fl_rule norm        = SHARE("norm", 1e-6, PLAIN);                /* of pools and sums, whatever a method's epsilon */
static const fl_rule proportion  = SHARE("proportion", 0, PLAIN);
static const fl_rule sizes       = SHARE("sizes", 0, .n_terms = 1, .term = {{FL_SIZE_OF, ALL_, NONE, 0, 1, 1, FL_ALWAYS}});

/* What speaks for the output counts more, by gamma (Montavon 2019). For operands of any sign, an output's own sign decides. */
static const fl_rule gamma_plain = SHARE("gamma_positive", 1e-6, .gamma = 0.25, .n_terms = 1,
                                         .term = {{ALL_, UP, UP, 0, 1, 1, FL_ALWAYS}});
static const fl_rule gamma_signed = SHARE("gamma", 1e-6, .gamma = 0.25, .n_terms = 4, .term = {
    {POS, UP, UP, 0, 1, 1, FL_Y_POSITIVE}, {NEG, DOWN, NONE, 0, 1, 1, FL_Y_POSITIVE},
    {POS, DOWN, DOWN, 1, 1, 1, FL_Y_NEGATIVE}, {NEG, UP, NONE, 1, 1, 1, FL_Y_NEGATIVE}});

/* alpha times what speaks for, minus beta times what speaks against, each in its own proportion (Bach 2015). */
static const fl_rule zplus = SHARE("zplus", 1e-6, .n_terms = 2,
                                   .term = {{POS, POS, POS, 0, 1, 1, FL_ALWAYS}, {NEG, NEG, NONE, 0, 1, 1, FL_ALWAYS}});
static const fl_rule alpha2_beta1 = SHARE("alpha2_beta1", 1e-6, .n_terms = 4, .term = {
    {POS, POS, POS, 0, 1, 2, FL_ALWAYS}, {NEG, NEG, NONE, 0, 1, 2, FL_ALWAYS},
    {POS, NEG, NEG, 1, 1, -1, FL_ALWAYS}, {NEG, POS, NONE, 1, 1, -1, FL_ALWAYS}});
static const fl_rule zplus_no_bias = SHARE("zplus_no_bias", 0, .n_terms = 2, .term = {
    {POS, POS, NONE, 0, 1, 1, FL_ALWAYS}, {NEG, NEG, NONE, 0, 1, 1, FL_ALWAYS}});

/* For first layers (Montavon 2017): pixels lie between a lowest and a highest value; or are of any size, and the bias is squared as the
 * weights are; or all count alike. */
static const fl_rule zbox = SHARE("zbox", 1e-6, .n_terms = 3, .term = {
    {ALL_, ALL_, NONE, 0, 1, 1, FL_ALWAYS}, {FL_LOWEST, POS, NONE, 0, -1, -1, FL_ALWAYS},
    {FL_HIGHEST, NEG, NONE, 0, -1, -1, FL_ALWAYS}});
static const fl_rule w2 = SHARE("w2", 1e-6, .n_terms = 1,
                                .term = {{FL_ONES, FL_SQUARE_OF, FL_SQUARE_OF, 0, 1, 1, FL_ALWAYS}});
static const fl_rule flat = SHARE("flat", 1e-6, .n_terms = 1, .term = {{FL_ONES, FL_ONES, NONE, 0, 1, 1, FL_ALWAYS}});

/* Probability of winning, from the top down (Zhang 2016); contrast: minus the same for the class's negation. */
static const fl_rule excite = SHARE("excite", 0, .n_terms = 1, .term = {{ALL_, POS, NONE, 0, 1, 1, FL_ALWAYS}});
static const fl_rule contrast = SHARE("contrast", 0, .n_terms = 2, .term = {
    {ALL_, POS, NONE, 0, 1, 1, FL_ALWAYS}, {ALL_, NEG, NONE, 1, 1, -1, FL_ALWAYS}});

static const fl_rule contrast_signed = SHARE("contrast_signed", 0, .n_terms = 4, .term = {
    {POS, POS, NONE, 0, 1, 1, FL_ALWAYS}, {NEG, NEG, NONE, 0, 1, 1, FL_ALWAYS},
    {POS, NEG, NONE, 1, 1, -1, FL_ALWAYS}, {NEG, POS, NONE, 1, 1, -1, FL_ALWAYS}});

/* ---- rows ---- */

#define ROW(r, ...) {.rule = &(r), __VA_ARGS__}
#define CONV(r)     ROW(r, .flags = FL_WEIGHTED)
#define DENSE(r)    ROW(r, .place = FL_DENSE)
#define FIRST(r)    ROW(r, .flags = FL_WEIGHTED, .place = FL_AT_FIRST)
#define ROUTES      ROW(gradient, .flags = FL_ROUTE)
#define NORMS(r)    ROW(r, .op = "batchnorm")
#define SUMS(r)     ROW(r, .flags = FL_LINEAR)
#define SCORES      ROW(gradient, .flags = FL_LINEAR, .place = FL_AT_TOP)   /* sums of what any sign may have */
/* Maps and norms over channels pass, gates give all to what they gate. */
#define OTHERS      ROW(pass, .flags = FL_MAP), ROW(carrier, .flags = FL_GATE), ROW(pass, .flags = FL_ALL), {.rule = NULL}
#define LRP_REST    ROUTES, NORMS(pass), SUMS(norm), OTHERS

/* start, reference, fold */
#define GRADIENT_   FL_START_GRADIENT, false, false
#define VALUE_      FL_START_VALUE, false, true
#define POSITIVE_   FL_START_POSITIVE, false, true
#define ONE_        FL_START_ONE, false, true
#define DIFFERENCE_ FL_START_GRADIENT, true, false
#define DIFFERENCE_FOLDED_ FL_START_GRADIENT, true, true
#define RULESET(id, paper, doc, how, ...)                                                                         \
    static const fl_rule_row rows_##id[] = {__VA_ARGS__};                                                          \
    const fl_ruleset fl_rules_##id = {#id, paper, doc, how, rows_##id};

#define BACH     "Bach et al. 2015, On Pixel-Wise Explanations by Layer-Wise Relevance Propagation"
#define MONTAVON "Montavon et al. 2019, Layer-Wise Relevance Propagation: An Overview"
#define TAYLOR   "Montavon et al. 2017, Explaining Nonlinear Classification Decisions with Deep Taylor Decomposition"
#define BEST     "Kohlbrenner et al. 2020, Towards Best Practice in Explaining Neural Network Decisions with LRP"
#define ZENNIT   "Anders et al. 2021, Software for Dataset-wide XAI: zennit"
#define INN      "Alber et al. 2019, iNNvestigate Neural Networks"
#define EBP      "Zhang et al. 2016, Top-down Neural Attention by Excitation Backprop"
#define DEEPLIFT "Shrikumar et al. 2017, Learning Important Features Through Propagating Activation Differences"

RULESET(guided, "Springenberg et al. 2014, Striving for Simplicity", "gradient whose negative signals end at every ReLU",
        GRADIENT_, ROW(guided, .op = "relu"), {.rule = NULL})
RULESET(deconvnet, "Zeiler and Fergus 2013, Visualizing and Understanding Convolutional Networks",
        "gradient whose ReLUs look at the signal and not at the clip", GRADIENT_, ROW(deconvnet, .op = "relu"), {.rule = NULL})

RULESET(excitation, EBP, "probability of winning, from the class down; inputs of weights are taken to be positive", ONE_,
        CONV(excite), ROUTES, NORMS(pass), SCORES, SUMS(proportion), OTHERS)
RULESET(excitation_published, "Li et al. 2021, after TorchRay",
        "excitation as the study runs it: begins with the gradient of its score, and sums of branches copy the signal", GRADIENT_,
        CONV(excite), ROUTES, NORMS(pass), SCORES, ROW(excite, .op = "avgpool"), ROW(excite, .op = "mean"), {.rule = NULL})
RULESET(excitation_recurrent_published, "Bargal et al. 2018, Excitation Backprop for RNNs, the authors' code",
        "excitation in the weights; gates, maps and states by the gradient; a step's sum gives all to the input and nothing to the state",
        ONE_, ROW(block, .flags = FL_WEIGHTED, .node = "*.zh"), CONV(excite), ROUTES, NORMS(pass), ROW(gradient, .node = "*.z"),
        ROW(gradient, .node = "*.c"), ROW(gradient, .node = "*.state"), SUMS(proportion), {.rule = NULL})
RULESET(contrastive_excitation, EBP, "excitation of the class minus excitation of its negation", ONE_,
        ROW(contrast, .flags = FL_WEIGHTED, .place = FL_AT_TOP), CONV(excite), ROUTES, NORMS(pass), SCORES, SUMS(proportion), OTHERS)
RULESET(excitation_recurrent, "after Bargal et al. 2018, Excitation Backprop for RNNs",
        "excitation through recurrent cells: what a step adds and what it keeps share by size; the sums of the input's and the "
        "state's product count as one; inputs may have any sign", ONE_,
        CONV(zplus_no_bias), ROUTES, NORMS(pass), ROW(joint, .place = FL_SUM_OF_WEIGHTS), SUMS(sizes), OTHERS)

RULESET(contrastive_excitation_recurrent, "after Bargal et al. 2018, with the contrast of Zhang et al. 2016",
        "excitation through recurrent cells of the class minus that of its negation", ONE_,
        ROW(contrast_signed, .flags = FL_WEIGHTED, .place = FL_AT_TOP), CONV(zplus_no_bias), ROUTES, NORMS(pass),
        ROW(joint, .place = FL_SUM_OF_WEIGHTS), SUMS(sizes), OTHERS)

RULESET(lrp_zero, BACH, "LRP-0: in proportion, without stabiliser", VALUE_,
        CONV(zero), ROUTES, SUMS(zero), OTHERS)
RULESET(lrp_epsilon, BACH, "LRP-epsilon on every layer", VALUE_, CONV(epsilon), ROUTES, SUMS(epsilon), OTHERS)
RULESET(lrp_gamma, MONTAVON, "LRP-gamma on every layer, for operands of any sign", VALUE_, CONV(gamma_signed), LRP_REST)
RULESET(lrp_gamma_positive, MONTAVON, "LRP-gamma on every layer, as first written: for operands that are not negative", VALUE_,
        CONV(gamma_plain), LRP_REST)
RULESET(lrp_alpha2_beta1, BACH, "LRP alpha 2, beta 1 on every layer", VALUE_, CONV(alpha2_beta1), LRP_REST)
RULESET(lrp_zplus, BACH, "LRP alpha 1, beta 0 (z+) on every layer", VALUE_, CONV(zplus), LRP_REST)
RULESET(lrp_w2, TAYLOR, "w squared on every layer: says where the network looks, whatever the clip", VALUE_, CONV(w2), LRP_REST)
RULESET(lrp_flat, BEST, "flat on every layer: receptive fields, whatever clip and weights", VALUE_, CONV(flat), LRP_REST)
RULESET(lrp_zbox, TAYLOR, "z^B on the first layer, LRP-epsilon above", VALUE_, FIRST(zbox), CONV(epsilon), LRP_REST)

RULESET(lrp_epsilon_plus, ZENNIT, "z+ on convolutions, epsilon on dense layers", VALUE_, DENSE(epsilon), CONV(zplus), LRP_REST)
RULESET(lrp_epsilon_plus_flat, BEST, "the same, flat on the first layer", VALUE_,
        FIRST(flat), DENSE(epsilon), CONV(zplus), LRP_REST)
RULESET(lrp_epsilon_alpha2_beta1, ZENNIT, "alpha 2, beta 1 on convolutions, epsilon on dense layers", VALUE_,
        DENSE(epsilon), CONV(alpha2_beta1), LRP_REST)
RULESET(lrp_epsilon_alpha2_beta1_flat, BEST, "the same, flat on the first layer", VALUE_,
        FIRST(flat), DENSE(epsilon), CONV(alpha2_beta1), LRP_REST)
RULESET(lrp_epsilon_gamma_box, MONTAVON, "z^B on the first layer, gamma on convolutions, epsilon on dense layers", VALUE_,
        FIRST(zbox), DENSE(epsilon), CONV(gamma_signed), LRP_REST)
RULESET(lrp_preset_a, INN, "alpha 1, beta 0 on convolutions, epsilon 0.1 on dense layers", VALUE_,
        DENSE(epsilon_a), CONV(zplus), LRP_REST)
RULESET(lrp_preset_a_flat, INN, "the same, flat on the first layer", VALUE_,
        FIRST(flat), DENSE(epsilon_a), CONV(zplus), LRP_REST)
RULESET(lrp_preset_b, INN, "alpha 2, beta 1 on convolutions, epsilon 0.1 on dense layers", VALUE_,
        DENSE(epsilon_a), CONV(alpha2_beta1), LRP_REST)
RULESET(lrp_preset_b_flat, INN, "the same, flat on the first layer", VALUE_,
        FIRST(flat), DENSE(epsilon_a), CONV(alpha2_beta1), LRP_REST)
RULESET(lrp_excitation, ZENNIT, "z+ on every weight, sums in proportion; begins with 1, as excitation does", ONE_, CONV(zplus), LRP_REST)
RULESET(lrp_lstm, "Arras et al. 2017, Explaining Recurrent Neural Network Predictions in Sentiment Analysis",
        "epsilon 0.001 on every weight and sum, once on a sum of weights; a gate gives all to what it gates. ConvLSTM alike", VALUE_,
        ROW(zero, .place = FL_IN_SUM), CONV(epsilon_rnn), ROUTES, SUMS(epsilon_rnn), OTHERS)
RULESET(lrp_lstm_conserving, "Arras et al. 2017, with bias factor 1",
        "the same; what biases and stabiliser would keep goes to all operands alike: a check, not an explanation", VALUE_,
        CONV(epsilon_all), ROUTES, NORMS(pass), SUMS(epsilon_all), OTHERS)
RULESET(deep_taylor, TAYLOR, "z^B on the first layer, z+ without bias above", POSITIVE_,
        FIRST(zbox), CONV(zplus_no_bias), ROUTES, NORMS(pass), SUMS(proportion), OTHERS)
RULESET(deep_taylor_unbounded, TAYLOR, "w squared on the first layer, z+ without bias above", POSITIVE_,
        FIRST(w2), CONV(zplus_no_bias), ROUTES, NORMS(pass), SUMS(proportion), OTHERS)

#define DIFFERENCES ROW(gradient, .flags = FL_ROUTE | FL_LINEAR), ROW(switches, .flags = FL_ROUTE), \
                    ROW(rescale, .flags = FL_MAP), ROW(product, .flags = FL_GATE), ROW(centred, .op = "softmax"), \
                    ROW(centred, .op = "logsoftmax"), {.rule = NULL}
RULESET(deeplift, DEEPLIFT, "differences to a reference clip; a map counts by its mean slope between the two", DIFFERENCE_,
        DIFFERENCES)
RULESET(deeplift_pools_by_gradient, "the authors' code of Shrikumar et al. 2017",
        "the same; a maximum pool sends multipliers to the winner here, and the sum is no longer exact", DIFFERENCE_,
        ROW(gradient, .flags = FL_ROUTE), DIFFERENCES)
RULESET(deeplift_reveal_cancel, DEEPLIFT,
        "the same; where a map follows a weight, what speaks for and what speaks against come first and second in turn",
        DIFFERENCE_FOLDED_, ROW(reveal, .flags = FL_WEIGHTED, .place = FL_BEFORE_MAP),
        ROW(pass, .flags = FL_MAP, .place = FL_AFTER_WEIGHT), DIFFERENCES)

/* Not for one walk down but for a search (drive_optimise.c): the reference is the clip, and what is walked down is what was made of it. */
RULESET(fgvis, "Wagner et al. 2019, Interpretable and Fine-Grained Visual Explanations for CNNs",
        "the gradient, stopped at ReLUs that are more active than at the clip: a mask cannot make up evidence", DIFFERENCE_FOLDED_,
        ROW(bounded, .op = "relu"), {.rule = NULL})

/* ---- the table ---- */

#define FL_RULESET(name) &fl_rules_##name,
const fl_ruleset *const fl_ruleset_table[] = {
#include "attribution/rulesets.def"
    NULL};
#undef FL_RULESET
#define FL_RULESET(name) #name,
const char *const fl_ruleset_name[] = {
#include "attribution/rulesets.def"
    NULL};
#undef FL_RULESET

const fl_ruleset *fl_ruleset_find(const char *name)
{
    for (int i = 0; fl_ruleset_table[i]; i++)
        if (strcmp(fl_ruleset_table[i]->name, name) == 0) return fl_ruleset_table[i];
    return NULL;
}
