/* test_quadrature.c: the rules of integrated gradients against closed forms and 60-digit arithmetic. */
#include "attribution/quadrature.h"
#include "tests/test.h"

#include <string.h>

enum { MOST = 4096 };
static double alpha[MOST], weight[MOST];
static fl_error error;

static bool fill(fl_quadrature rule, int n)
{
    fl_error_clear(&error);
    return fl_quadrature_fill(rule, n, alpha, weight, &error) == FL_OK;
}

TEST(quadrature_weights_sum_to_one)
{
    static const int counts[] = {1, 2, 3, 4, 5, 16, 25, 50, 51, 333, 1000};
    for (int rule = FL_QUADRATURE_LEFT; rule <= FL_QUADRATURE_GAUSS_LEGENDRE; rule++)
        for (size_t i = rule == FL_QUADRATURE_TRAPEZOID; i < sizeof counts / sizeof *counts; i++) {
            const int n = counts[i];
            CHECK(fill((fl_quadrature)rule, n));
            double sum = 0;
            bool ordered = alpha[0] >= 0 && alpha[n - 1] <= 1;
            for (int k = 0; k < n; k++) {
                sum += weight[k];
                ordered = ordered && weight[k] > 0 && (k == 0 || alpha[k] > alpha[k - 1]);
            }
            CHECK_SAY(fabs(sum - 1) < 1e-13, "%s, %d points: weights sum to 1 + %g", fl_quadrature_name[rule], n,
                      sum - 1);
            CHECK_SAY(ordered, "%s, %d points: not ascending inside [0,1]", fl_quadrature_name[rule], n);
        }
}

TEST(quadrature_rules_have_their_points)
{
    CHECK(fill(FL_QUADRATURE_LEFT, 4));
    for (int k = 0; k < 4; k++) CHECK(alpha[k] == k / 4.0 && weight[k] == 0.25);
    CHECK(fill(FL_QUADRATURE_RIGHT, 4));
    for (int k = 0; k < 4; k++) CHECK(alpha[k] == (k + 1) / 4.0 && weight[k] == 0.25);
    CHECK(fill(FL_QUADRATURE_MIDDLE, 4));
    for (int k = 0; k < 4; k++) CHECK(alpha[k] == (2 * k + 1) / 8.0 && weight[k] == 0.25);
    CHECK(fill(FL_QUADRATURE_TRAPEZOID, 3));
    CHECK(alpha[0] == 0 && alpha[1] == 0.5 && alpha[2] == 1 && weight[0] == 0.25 && weight[1] == 0.5 &&
          weight[2] == 0.25);
    CHECK(fill(FL_QUADRATURE_TRAPEZOID, 2));
    CHECK(alpha[0] == 0 && alpha[1] == 1 && weight[0] == 0.5 && weight[1] == 0.5);
}

/* Zeros of P_n and their weights on [-1,1], by bisection in 60-digit decimal arithmetic, as doubles. Upper half. */
static const double GAUSS_2[][2] = {{0.57735026918962573, 1}};
static const double GAUSS_3[][2] = {{0, 0.88888888888888884}, {0.7745966692414834, 0.55555555555555558}};
static const double GAUSS_5[][2] = {{0, 0.56888888888888889}, {0.53846931010568311, 0.47862867049936647},
                                    {0.90617984593866396, 0.23692688505618908}};
static const double GAUSS_50[][2] = {
    {0.031098338327188876, 0.06217661665534726}, {0.093174701560086143, 0.061936067420683243},
    {0.15489058999814589, 0.061455899590316665}, {0.21600723687604176, 0.060737970841770218},
    {0.27628819377953201, 0.05978505870426546}, {0.33550024541943735, 0.058600849813222444},
    {0.39341431189756515, 0.05718992564772838}, {0.44980633497403877, 0.05555774480621252},
    {0.50445814490746421, 0.053710621888996245}, {0.55715830451465009, 0.051655703069581137},
    {0.60770292718495023, 0.049400938449466317}, {0.65589646568543936, 0.046955051303948434},
    {0.7015524687068222, 0.044327504338803274}, {0.74449430222606849, 0.041528463090147696},
    {0.78455583290039932, 0.038568756612587678}, {0.82158207085933599, 0.035459835615146151},
    {0.85542976942994609, 0.032213728223578014}, {0.88596797952361306, 0.028842993580535197},
    {0.91307855665579185, 0.025360673570012392}, {0.93665661894487795, 0.021780243170124794},
    {0.95661095524280793, 0.018115560713489392}, {0.97286438510669204, 0.014380822761485574},
    {0.98535408404800584, 0.010590548383650969}, {0.99403196943209071, 0.0067597991957454012},
    {0.99886640442007102, 0.0029086225531551411}};

static void check_gauss(int n, const double (*want)[2])
{
    CHECK(fill(FL_QUADRATURE_GAUSS_LEGENDRE, n));
    for (int k = n / 2; k < n; k++) {
        const double z = want[k - n / 2][0], w = want[k - n / 2][1];
        CHECK_NEAR(alpha[k], (1 + z) / 2, 2e-16);
        CHECK_NEAR(weight[k], w / 2, 1e-15);
        CHECK_NEAR(alpha[n - 1 - k], (1 - z) / 2, 2e-16);
        CHECK(weight[n - 1 - k] == weight[k]);
    }
}

TEST(quadrature_gauss_legendre_zeros)
{
    check_gauss(2, GAUSS_2);
    check_gauss(3, GAUSS_3);
    check_gauss(5, GAUSS_5);
    check_gauss(50, GAUSS_50);
    CHECK(fill(FL_QUADRATURE_GAUSS_LEGENDRE, 1));
    CHECK(alpha[0] == 0.5 && weight[0] == 1);
}

/* Exact for x^d up to d = 2n - 1, and no further: the error at d = 2n is n!^4 / ((2n+1) (2n)!^2), above rounding. */
TEST(quadrature_gauss_legendre_degree)
{
    for (int n = 1; n <= 6; n++) {
        CHECK(fill(FL_QUADRATURE_GAUSS_LEGENDRE, n));
        double beyond = 1.0 / (2 * n + 1);
        for (int i = 1; i <= n; i++)
            beyond *= (double)i * i / (2.0 * i * (2.0 * i - 1)) * ((double)i * i / (2.0 * i * (2.0 * i - 1)));
        for (int d = 0; d <= 2 * n; d++) {
            double sum = 0;
            for (int k = 0; k < n; k++) {
                double power = 1;
                for (int i = 0; i < d; i++) power *= alpha[k];
                sum += weight[k] * power;
            }
            CHECK_NEAR(1.0 / (d + 1) - sum, d < 2 * n ? 0.0 : beyond, 1e-15);
        }
    }
}

TEST(quadrature_refuses_what_it_cannot_do)
{
    CHECK(!fill(FL_QUADRATURE_LEFT, 0) && error.status == FL_USAGE);
    CHECK(!fill(FL_QUADRATURE_TRAPEZOID, 1) && strstr(error.message, "trapezoid needs at least 2"));
    CHECK(!fill(FL_QUADRATURE_GAUSS_LEGENDRE, FL_MAX_GAUSS + 1) && error.status == FL_USAGE);
    CHECK(fill(FL_QUADRATURE_GAUSS_LEGENDRE, FL_MAX_GAUSS));
}
