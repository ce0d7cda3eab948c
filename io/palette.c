/* palette.c: the three colour tables, from control points in sRGB with straight lines between them.
 *
 * The points of signed and heat were placed in OKLCH: signed falls evenly in lightness from white (0.975) to 0.48 on
 * both sides, heat rises evenly from 0.14 to 0.96, so that equal steps of the map look equal, also in grey. */
#include "io/colour.h"

static const double negative[][3] = {{6, 76, 206}, {2, 109, 221}, {24, 139, 238}, {63, 165, 243}, {100, 188, 247},
                                     {140, 208, 249}, {180, 227, 252}, {214, 237, 250}, {247, 247, 247}};
static const double positive[][3] = {{247, 247, 247}, {250, 228, 211}, {251, 210, 175}, {250, 181, 136},
                                     {249, 149, 103}, {243, 117, 76}, {234, 80, 54}, {209, 49, 42}, {182, 0, 32}};
static const double heat[][3] = {{8, 5, 28}, {21, 9, 51}, {37, 13, 75}, {55, 15, 99}, {80, 18, 111}, {109, 20, 115},
                                 {139, 22, 113}, {166, 30, 106}, {191, 44, 96}, {214, 61, 82}, {231, 83, 67},
                                 {243, 109, 58}, {251, 135, 54}, {254, 163, 70}, {255, 192, 96}, {255, 219, 128},
                                 {255, 245, 165}};

/* x in 0 .. 1 along count points at equal distances. */
static void along(const double points[][3], int count, double x, unsigned char colour[3])
{
    double place = x * (count - 1);
    int i = (int)place < count - 1 ? (int)place : count - 2;
    for (int k = 0; k < 3; k++) {
        double v = points[i][k] + (place - i) * (points[i + 1][k] - points[i][k]);
        colour[k] = (unsigned char)(v + 0.5);
    }
}

/* One channel of jet: up from x0 to x1, flat to x2, down to x3. */
static unsigned char ramp(double x, double x0, double x1, double x2, double x3)
{
    double v = x <= x0 || x >= x3 ? 0 : x < x1 ? (x - x0) / (x1 - x0) : x <= x2 ? 1 : (x3 - x) / (x3 - x2);
    return (unsigned char)(255 * v + 0.5);
}

void fl_palette_fill(fl_palette palette, unsigned char table[256][3])
{
    for (int i = 0; i < 256; i++) {
        double x = i / 255.0;
        if (palette == FL_PALETTE_jet) {
            table[i][0] = ramp(x, 0.35, 0.66, 0.89, 1.11);
            table[i][1] = ramp(x, 0.125, 0.375, 0.64, 0.91);
            table[i][2] = ramp(x, -0.11, 0.11, 0.34, 0.65);
        } else if (palette == FL_PALETTE_heat) along(heat, 17, x, table[i]);
        else if (x < 0.5) along(negative, 9, 2 * x, table[i]);
        else along(positive, 9, 2 * x - 1, table[i]);
    }
}
