#ifndef DAM_PATTERNS_H
#define DAM_PATTERNS_H
typedef struct dam_patterns dam_patterns;
#endif
