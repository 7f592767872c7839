#pragma once

// The only include of the test framework, so that a newer major version is a change of one line.
#include <catch2/catch.hpp>
